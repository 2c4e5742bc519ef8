// What every store refuses, so that no implementation keeps what another could not give back:
// numbers that are not finite, texts of a problem that are not UTF-8, repeat schedules that their
// text does not say.
#pragma once

#include "results/record/sweep_record.h"
#include "results/record/trial.h"

namespace deepthin::results {

// Throw InputError whose place is the point or trial and the JSON path in it.
void RequireStorable(const Point& point);
void RequireStorable(const Trial& trial);

// REQUIRES of Store that only the stored data can answer.
[[noreturn]] void ThrowNoSuchPoint(const std::string& sweep_hash, int64_t point_index);
[[noreturn]] void ThrowNoSuchTrial(const std::string& key);
[[noreturn]] void ThrowPointTwice(int64_t point_index);

}  // namespace deepthin::results
