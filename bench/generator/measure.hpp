// What a window of a run measured: units, latencies, the server's processor time and memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "event_loop.hpp"

namespace bench {

/// User and system time of all threads of a process, in seconds (/proc/PID/stat).
double cpu_seconds(pid_t process);

/// Proportional set size of a process in KiB (/proc/PID/smaps_rollup).
double pss_kib(pid_t process);

struct Window {
  double seconds;
  std::uint64_t units;
  double server_seconds;     // processor time of the server
  double generator_seconds;  // the loop at work: near `seconds`, it was the bottleneck
  double p50_ms;
  double p99_ms;
};

/// Counts what is recorded between begin() and end(); what comes outside is not looked at.
class Meter {
 public:
  Meter(pid_t server, const EventLoop& loop) : server_(server), loop_(loop) {}

  void begin();
  Window end();

  /// Units recorded since begin().
  std::size_t units() const { return latencies_.size(); }

  /// One unit of work was done, so long after it was begun.
  void record(Nanoseconds latency) {
    if (measuring_) latencies_.push_back(static_cast<std::uint32_t>(latency / kResolution));
  }

 private:
  static constexpr Nanoseconds kResolution = 100;

  double quantile_ms(double quantile);

  const pid_t server_;
  const EventLoop& loop_;
  bool measuring_ = false;
  Nanoseconds began_ = 0;
  double server_before_ = 0;
  Nanoseconds generator_before_ = 0;
  std::vector<std::uint32_t> latencies_;  // in units of kResolution
};

}  // namespace bench
