// One thread, one epoll: non-blocking TCP connections to the server under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Nanoseconds = std::uint64_t;

constexpr Nanoseconds operator""_s(long double seconds) {
  return static_cast<Nanoseconds>(seconds * 1e9L);
}

Nanoseconds monotonic_now();

class EventLoop;

/// One TCP connection. What is written leaves in one send at the end of the loop's turn.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection();

  /// Queues bytes for the end of this turn.
  void write(std::string_view bytes);

  /// When the last bytes handed to received() were read, or when connecting began.
  Nanoseconds now() const;
  Nanoseconds connecting_since() const { return connecting_since_; }

 protected:
  /// The name to blame in a Failure.
  virtual std::string_view name() const = 0;
  /// Connecting began: queue what the client says first.
  virtual void opened() = 0;
  /// Handles what arrived and returns how many bytes it used; the rest is offered again with what
  /// follows.
  virtual std::size_t received(std::string_view bytes) = 0;
  /// All that one read brought has been handled.
  virtual void read_ended() {}

 private:
  friend class EventLoop;

  EventLoop* loop_ = nullptr;
  int socket_ = -1;
  Nanoseconds connecting_since_ = 0;
  std::string unread_;  // a part of a frame, waiting for the rest
  std::string unsent_;
  bool queued_ = false;     // in the loop's list of connections with something to send
  bool blocked_ = false;    // waiting until the kernel takes more
};

class EventLoop {
 public:
  /// A loop that is `busy` looks again and again instead of sleeping until something comes.
  EventLoop(std::uint16_t port, bool busy);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  /// Begins to connect to 127.0.0.1. The connection must outlive the loop's last turn.
  void connect(Connection& connection);

  /// Waits for at most timeout_ms (a busy loop: not at all), handles what arrived, sends what was
  /// written.
  void turn(int timeout_ms);

  /// Turns until the moment has come.
  void run_until(Nanoseconds moment);

  /// The time of the last read; saves a clock call for each frame.
  Nanoseconds now() const { return now_; }

  /// How long it has been handling and sending, the looking and the waiting left out.
  Nanoseconds worked() const { return worked_; }

 private:
  friend class Connection;

  void read(Connection& connection);
  void send(Connection& connection);
  void watch_for_room(Connection& connection, bool wanted);

  int epoll_;
  std::uint16_t port_;
  bool busy_;
  Nanoseconds now_ = 0;
  Nanoseconds worked_ = 0;
  std::vector<Connection*> queued_;
  std::vector<char> buffer_;
};

}  // namespace bench
