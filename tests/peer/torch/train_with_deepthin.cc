// Training steps of ours: one side of ./dev bench train.
#include "runtime/trainer/trainer.h"
#include "tests/peer/torch/training_task.h"

namespace deepthin::peer {
namespace {

void Run(const TrainingTask& task) {
  runtime::ThreadPool pool(task.threads);
  runtime::Trainer trainer(runtime::RandomWeights(task.spec, 1, pool), task.options, pool);
  RunAndPrint(task, "deepthin",
              [&](int64_t step) { return trainer.Step(task.BatchAt(step)).loss; });
}

}  // namespace
}  // namespace deepthin::peer

int main(int argc, char** argv) { return deepthin::peer::Main(argc, argv, deepthin::peer::Run); }
