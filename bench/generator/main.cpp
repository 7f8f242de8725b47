// Runs one workload against one server on 127.0.0.1 and prints one line of JSON for each window.
//
//   generator --protocol deskbell|socketio|xmpp --workload w1|w2|w2r|w3|w4 --port N --server PID
//             --roster FILE [--window N] [--windows N] [--seconds S] [--warmup S]
//             [--connecting N] [--hold S] [--wait busy|sleep]
//
// It looks for news without ever sleeping (--wait busy): on loopback, a send to a process that
// sleeps is charged with waking it, which on a virtual machine costs more than the send itself.
//
// The roster has one session a line: name, secret and conversation, separated by one space.
// Exit status: 0 all went well; 2 the server broke a promise (one sentence on standard error).
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "deskbell.hpp"
#include "socketio.hpp"
#include "workload.hpp"
#include "xmpp.hpp"

namespace bench {
namespace {

class Options {
 public:
  Options(int count, char** words) {
    for (int i = 1; i < count; i += 2) {
      const std::string_view name = words[i];
      if (!name.starts_with("--") || i + 1 == count) fail("an option without a value: ", name);
      values_[std::string(name.substr(2))] = words[i + 1];
    }
  }

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto value = values_.find(name);
    if (value == values_.end() && otherwise.empty()) fail("missing: --", name);
    return value == values_.end() ? otherwise : value->second;
  }

  double number(const std::string& name, const std::string& otherwise = "") const {
    return std::stod(text(name, otherwise));
  }

  bool busy() const {
    const std::string wait = text("wait", "busy");
    if (wait != "busy" && wait != "sleep") fail("--wait is busy or sleep, not ", wait);
    return wait == "busy";
  }

 private:
  std::map<std::string, std::string> values_;
};

std::vector<Member> read_roster(const std::string& path) {
  std::ifstream file(path);
  std::vector<Member> roster;
  Member member;
  while (file >> member.name >> member.secret >> member.conversation) roster.push_back(member);
  if (roster.empty()) fail("nobody on the roster ", path);
  return roster;
}

std::unique_ptr<Workload> make_workload(const Options& options, Meter& meter) {
  const std::string name = options.text("workload");
  const auto window = static_cast<unsigned>(options.number("window", "1"));
  if (name == "w1") return w1_pairs(meter, window);
  if (name == "w2") return w2_room(meter, window, false);
  if (name == "w2r") return w2_room(meter, window, true);
  if (name == "w3") return w3_idle(meter);
  if (name == "w4") return w4_pages(meter);
  fail("no such workload: ", name);
}

std::unique_ptr<Session> make_session(const Options& options, const Member& member,
                                      std::size_t index, Listener& listener) {
  static const std::string run = std::to_string(monotonic_now());
  const std::string protocol = options.text("protocol");
  if (protocol == "deskbell") {
    return std::make_unique<DeskbellSession>(member, index, listener, run);
  }
  if (protocol == "socketio") return std::make_unique<SocketioSession>(member, index, listener);
  if (protocol == "xmpp") {
    const bool in_room = options.text("workload").starts_with("w2");
    return std::make_unique<XmppSession>(member, index, listener,
                                         in_room ? XmppPlace::room : XmppPlace::direct);
  }
  fail("no such protocol: ", protocol);
}

using Sessions = std::vector<std::unique_ptr<Session>>;

/// Connects all sessions, at most `at_once` under way, and waits until every one is ready.
void connect(EventLoop& loop, const Sessions& sessions, const Workload& workload,
             std::size_t at_once) {
  const Nanoseconds deadline = monotonic_now() + 60.0_s;
  std::size_t begun = 0;
  while (workload.ready_count() < sessions.size()) {
    while (begun < sessions.size() && begun - workload.ready_count() < at_once) {
      loop.connect(*sessions[begun++]);
    }
    loop.turn(100);
    if (monotonic_now() > deadline) {
      fail("only ", workload.ready_count(), " of ", sessions.size(), " sessions became ready");
    }
  }
}

/// Runs for the duration, and on until a unit is done: with many messages in flight, a server that
/// waits for its disk gives them back in waves.
Window measure(EventLoop& loop, Meter& meter, Nanoseconds duration) {
  meter.begin();
  loop.run_until(monotonic_now() + duration);
  const Nanoseconds deadline = monotonic_now() + 30.0_s;
  while (meter.units() == 0) {
    if (monotonic_now() > deadline) fail("nothing was completed in 30 s");
    loop.turn(10);
  }
  return meter.end();
}

/// What was issued must arrive: waits for it, and fails when it does not come.
void drain(EventLoop& loop, Workload& workload) {
  workload.stop();
  const Nanoseconds deadline = monotonic_now() + 10.0_s;
  while (!workload.complete()) {
    if (monotonic_now() > deadline) fail("something sent was never completed: a loss");
    loop.turn(100);
  }
  loop.run_until(monotonic_now() + 0.1_s);  // whatever comes now is a duplicate, and fails
}

void print(const Window& window, const std::string& extra = "") {
  const auto units = static_cast<double>(window.units);
  std::printf(
      "{\"per_s\": %.1f, \"us_per_unit\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
      "\"server_share\": %.3f, \"generator_share\": %.3f%s}\n",
      units / window.seconds, window.server_seconds * 1e6 / units, window.p50_ms, window.p99_ms,
      window.server_seconds / window.seconds, window.generator_seconds / window.seconds,
      extra.c_str());
}

void run_idle(EventLoop& loop, const Options& options, const Sessions& sessions,
              const Workload& workload, Meter& meter) {
  const auto server = static_cast<pid_t>(options.number("server"));
  const double before = pss_kib(server);
  meter.begin();
  connect(loop, sessions, workload, static_cast<std::size_t>(options.number("connecting", "64")));
  const Window window = meter.end();
  loop.run_until(monotonic_now() + static_cast<Nanoseconds>(options.number("hold", "3") * 1e9));
  const double each = (pss_kib(server) - before) / static_cast<double>(sessions.size());
  print(window, ", \"kib_per_session\": " + std::to_string(each));
}

void run_windows(EventLoop& loop, const Options& options, const Sessions& sessions,
                 Workload& workload, Meter& meter) {
  const auto seconds = [&options](const std::string& name, const std::string& otherwise) {
    return static_cast<Nanoseconds>(options.number(name, otherwise) * 1e9);
  };
  connect(loop, sessions, workload, static_cast<std::size_t>(options.number("connecting", "64")));
  loop.run_until(monotonic_now() + 0.3_s);  // the joins are still being told around
  workload.start();
  measure(loop, meter, seconds("warmup", "1"));
  for (int left = static_cast<int>(options.number("windows", "3")); left > 0; --left) {
    print(measure(loop, meter, seconds("seconds", "2")));
  }
  drain(loop, workload);
}

void run(const Options& options) {
  alarm(300);  // whatever happens, a load generator ends
  const std::vector<Member> roster = read_roster(options.text("roster"));
  EventLoop loop(static_cast<std::uint16_t>(options.number("port")), options.busy());
  Meter meter(static_cast<pid_t>(options.number("server")), loop);
  const std::unique_ptr<Workload> workload = make_workload(options, meter);
  Sessions sessions;
  for (const Member& member : roster) {
    sessions.push_back(make_session(options, member, sessions.size(), *workload));
    workload->add(*sessions.back());
  }
  if (options.text("workload") == "w3") {
    run_idle(loop, options, sessions, *workload, meter);
  } else {
    run_windows(loop, options, sessions, *workload, meter);
  }
}

}  // namespace
}  // namespace bench

int main(int count, char** words) {
  try {
    bench::run(bench::Options(count, words));
  } catch (const bench::Failure& failure) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
  }
  return 0;
}
