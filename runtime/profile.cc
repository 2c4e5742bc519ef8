#include "runtime/profile.h"

#include "spec/errors.h"

namespace deepthin::runtime {

std::span<const Profile::Span> Profile::SpansOf(size_t pass) const {
  DEEPTHIN_CHECK(pass < passes_.size());
  const size_t begin = passes_[pass].first_span;
  const size_t end = pass + 1 < passes_.size() ? passes_[pass + 1].first_span : spans_.size();
  return spans().subspan(begin, end - begin);
}

void Profile::Clear() {
  passes_.clear();
  spans_.clear();
  work_.threads.clear();
}

}  // namespace deepthin::runtime
