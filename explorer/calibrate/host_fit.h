// A SocSpec of this machine, fitted to what was measured on it.
#pragma once

#include <string>

#include "costmodel/soc_fit.h"
#include "explorer/calibrate/host_rows.h"
#include "spec/soc_spec.h"

namespace deepthin::calibrate {

// Each number fitted, with a source "measured: ..."; residuals from the rows that were held out of
// the fit in turn. Rows that are held out altogether play no part. Throws InputError where there
// are no rows to fit, or they are no such rows.
[[nodiscard]] costmodel::SocFit FitHost(const HostRows& rows, const std::string& name);

// Says where the numbers of a fit are from: "measured: fitted to 80 passes of 22 architectures,
// AMD EPYC, 2 threads, 2026-11-26".
[[nodiscard]] std::string FittedSource(size_t passes, const HostRows& rows);

// Fills in what the held-out errors of a fit promise.
[[nodiscard]] Residuals ResidualsOfFit(const costmodel::SocFit& fit,
                                       std::span<const costmodel::MeasuredPass> passes,
                                       const std::string& measured_on);

}  // namespace deepthin::calibrate
