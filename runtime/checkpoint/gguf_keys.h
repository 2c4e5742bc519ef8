// Metadata keys that reader and writer of GGUF models share.
#pragma once

#include <string_view>

namespace deepthin::runtime::gguf {

inline constexpr std::string_view kArchitecture = "general.architecture";
inline constexpr std::string_view kLlama = "llama";

inline constexpr std::string_view kVocabSize = "llama.vocab_size";
inline constexpr std::string_view kContextLength = "llama.context_length";
inline constexpr std::string_view kWidth = "llama.embedding_length";
inline constexpr std::string_view kBlocks = "llama.block_count";
inline constexpr std::string_view kFfnWidth = "llama.feed_forward_length";
inline constexpr std::string_view kHeads = "llama.attention.head_count";
inline constexpr std::string_view kKvHeads = "llama.attention.head_count_kv";
inline constexpr std::string_view kKeyLength = "llama.attention.key_length";
inline constexpr std::string_view kValueLength = "llama.attention.value_length";
inline constexpr std::string_view kRopeDimensions = "llama.rope.dimension_count";
inline constexpr std::string_view kRopeTheta = "llama.rope.freq_base";
inline constexpr std::string_view kNormEps = "llama.attention.layer_norm_rms_epsilon";

inline constexpr std::string_view kRepeat = "deepthin.repeat";
inline constexpr std::string_view kKvPolicy = "deepthin.kv_policy";
inline constexpr std::string_view kFfn = "deepthin.ffn";

inline constexpr std::string_view kTokenizerModel = "tokenizer.ggml.model";
inline constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
inline constexpr std::string_view kScores = "tokenizer.ggml.scores";
inline constexpr std::string_view kTokenTypes = "tokenizer.ggml.token_type";
inline constexpr std::string_view kBosId = "tokenizer.ggml.bos_token_id";
inline constexpr std::string_view kEosId = "tokenizer.ggml.eos_token_id";
inline constexpr std::string_view kUnknownId = "tokenizer.ggml.unknown_token_id";
inline constexpr std::string_view kAddSpacePrefix = "tokenizer.ggml.add_space_prefix";
inline constexpr std::string_view kRemoveExtraWhitespaces =
    "tokenizer.ggml.remove_extra_whitespaces";
inline constexpr std::string_view kCharacterMap = "tokenizer.ggml.precompiled_charsmap";
inline constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
inline constexpr std::string_view kAddEos = "tokenizer.ggml.add_eos_token";

// Values of kTokenizerModel.
inline constexpr std::string_view kBpeModel = "llama";
inline constexpr std::string_view kUnigramModel = "t5";
inline constexpr std::string_view kNoVocabulary = "no_vocab";

}  // namespace deepthin::runtime::gguf
