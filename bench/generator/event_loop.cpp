#include "event_loop.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "failure.hpp"

namespace bench {

Nanoseconds monotonic_now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<Nanoseconds>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Connection::~Connection() {
  if (socket_ >= 0) close(socket_);
}

void Connection::write(std::string_view bytes) {
  unsent_.append(bytes);
  if (!queued_) {
    queued_ = true;
    loop_->queued_.push_back(this);
  }
}

Nanoseconds Connection::now() const { return loop_->now(); }

EventLoop::EventLoop(std::uint16_t port, bool busy)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      port_(port),
      busy_(busy),
      now_(monotonic_now()),
      buffer_(1 << 18) {
  if (epoll_ < 0) fail("epoll_create1: ", std::strerror(errno));
}

EventLoop::~EventLoop() { close(epoll_); }

void EventLoop::connect(Connection& connection) {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (handle < 0) fail("socket: ", std::strerror(errno));
  connection.loop_ = this;
  connection.socket_ = handle;
  now_ = connection.connecting_since_ = monotonic_now();

  const int on = 1;
  setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 &&
      errno != EINPROGRESS) {
    fail("connect: ", std::strerror(errno));
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, handle, &event) < 0) {
    fail("epoll_ctl: ", std::strerror(errno));
  }
  connection.opened();
}

void EventLoop::turn(int timeout_ms) {
  std::array<epoll_event, 512> events;
  const int count = epoll_wait(epoll_, events.data(), events.size(), busy_ ? 0 : timeout_ms);
  if (count < 0 && errno != EINTR) fail("epoll_wait: ", std::strerror(errno));
  if (count <= 0 && queued_.empty()) return;
  const Nanoseconds began = monotonic_now();
  for (int i = 0; i < count; ++i) {
    auto& connection = *static_cast<Connection*>(events[i].data.ptr);
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(connection);
    if (events[i].events & EPOLLOUT) send(connection);
  }
  for (Connection* connection : queued_) {
    connection->queued_ = false;
    send(*connection);
  }
  queued_.clear();
  worked_ += monotonic_now() - began;
}

void EventLoop::run_until(Nanoseconds moment) {
  for (Nanoseconds now = monotonic_now(); now < moment; now = monotonic_now()) {
    turn(static_cast<int>((moment - now) / 1'000'000) + 1);
  }
}

void EventLoop::read(Connection& connection) {
  const ssize_t size = recv(connection.socket_, buffer_.data(), buffer_.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    fail("recv (", connection.name(), "): ", std::strerror(errno));
  }
  if (size == 0) fail("the server closed the connection of ", connection.name());
  now_ = monotonic_now();

  std::string_view bytes(buffer_.data(), size);
  std::string& unread = connection.unread_;
  if (!unread.empty()) {
    unread.append(bytes);
    bytes = unread;
  }
  bytes.remove_prefix(connection.received(bytes));
  unread = std::string(bytes);
  connection.read_ended();
}

void EventLoop::send(Connection& connection) {
  std::string& unsent = connection.unsent_;
  std::size_t sent = 0;
  while (sent < unsent.size()) {
    const ssize_t size =
        ::send(connection.socket_, unsent.data() + sent, unsent.size() - sent, MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EAGAIN || errno == ENOTCONN) break;
      fail("send (", connection.name(), "): ", std::strerror(errno));
    }
    sent += size;
  }
  unsent.erase(0, sent);
  watch_for_room(connection, !unsent.empty());
}

void EventLoop::watch_for_room(Connection& connection, bool wanted) {
  if (connection.blocked_ == wanted) return;
  connection.blocked_ = wanted;
  epoll_event event{};
  event.events = EPOLLIN | (wanted ? static_cast<unsigned>(EPOLLOUT) : 0U);
  event.data.ptr = &connection;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket_, &event);
}

}  // namespace bench
