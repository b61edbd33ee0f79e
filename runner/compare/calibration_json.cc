// SPDX-License-Identifier: Apache-2.0
// The calibration file: see results/README.md for what its fields mean.
#include <utility>

#include "oomgate/model/json.h"
#include "runner/compare/calibration.h"
#include "runner/error.h"

namespace oomgate {
namespace {

constexpr int kCalibrationSchema = 1;

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CalibratedMetric, instance, shape, kernel,
                                   metric, samples, median, spread,
                                   autocorrelation, noise_floor,
                                   smallest_detectable, false_alarms,
                                   informational)

std::string ToJsonText(const Calibration& calibration) {
  const Json json = {
      {"calibration", kCalibrationSchema}, {"oomgate", calibration.oomgate},
      {"started", calibration.started},    {"pairs", calibration.pairs},
      {"seed", calibration.seed},          {"metrics", calibration.metrics}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Calibration ParseCalibration(std::string_view text, const std::string& name) {
  try {
    const Json json = Json::parse(text);
    const int schema = json.at("calibration").get<int>();
    if (schema != kCalibrationSchema) {
      throw std::invalid_argument(
          "calibration " + std::to_string(schema) + ", this program reads " +
          std::to_string(kCalibrationSchema) + "; calibrate again");
    }
    Calibration calibration;
    json.at("oomgate").get_to(calibration.oomgate);
    json.at("started").get_to(calibration.started);
    json.at("pairs").get_to(calibration.pairs);
    json.at("seed").get_to(calibration.seed);
    json.at("metrics").get_to(calibration.metrics);
    return calibration;
  } catch (const std::exception& error) {
    throw UserError(name + ": no calibration (oomgate calibrate writes one): " +
                    error.what());
  }
}

}  // namespace oomgate
