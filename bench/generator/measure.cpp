#include "measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "failure.hpp"

namespace bench {
double cpu_seconds(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) fail("the server, process ", process, ", is gone");
  // The name in parentheses may hold spaces; user and system time are the 12th and 13th after it.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double pss_kib(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    double kib = 0;
    if (word == "Pss:" && file >> kib) return kib;
  }
  fail("no Pss of process ", process);
}

void Meter::begin() {
  latencies_.clear();
  measuring_ = true;
  server_before_ = cpu_seconds(server_);
  generator_before_ = loop_.worked();
  began_ = monotonic_now();
}

Window Meter::end() {
  measuring_ = false;
  const Nanoseconds elapsed = monotonic_now() - began_;
  return {
      .seconds = static_cast<double>(elapsed) * 1e-9,
      .units = latencies_.size(),
      .server_seconds = cpu_seconds(server_) - server_before_,
      .generator_seconds = static_cast<double>(loop_.worked() - generator_before_) * 1e-9,
      .p50_ms = quantile_ms(0.50),
      .p99_ms = quantile_ms(0.99),
  };
}

double Meter::quantile_ms(double quantile) {
  if (latencies_.empty()) fail("nothing was completed in a window");
  const auto place = static_cast<std::size_t>(quantile * static_cast<double>(latencies_.size()));
  const auto at = latencies_.begin() + static_cast<std::ptrdiff_t>(
                                           std::min(place, latencies_.size() - 1));
  std::nth_element(latencies_.begin(), at, latencies_.end());
  return static_cast<double>(*at) * static_cast<double>(kResolution) * 1e-6;
}

}  // namespace bench
