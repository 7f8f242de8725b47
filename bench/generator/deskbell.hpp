// Deskbell's websocket protocol, version 1, in MessagePack (docs/protocol.md).
#pragma once

#include <optional>

#include "websocket.hpp"

namespace bench {

class MsgpackReader;

class DeskbellSession : public WebsocketSession {
 public:
  /// `run` tells this run's client_message_ids and devices from those of every other run.
  DeskbellSession(const Member& member, std::size_t index, Listener& listener, std::string run);

  void send_message(Number number) override;
  /// Moves the cursor, which is sent once for everything that one read brought.
  void send_receipt(Number number) override;
  void request_page(unsigned limit) override;
  bool cumulative_receipts() const override { return true; }

 private:
  struct Frame;

  void upgraded() override;
  void frame_received(std::string_view payload) override;
  void read_ended() override;

  void on_message(const Frame& frame);
  void on_ack(const Frame& frame);
  void on_receipts(const Frame& frame);
  void on_page(const Frame& frame);
  void check_revision(const Frame& frame);
  void check_place(std::uint64_t seq, Number number);

  const std::string run_;
  std::uint64_t revision_ = 0;              // of the newest event
  std::optional<std::uint64_t> first_seq_;  // the seq of message number 0
  std::uint64_t delivered_up_to_ = 0;
  bool cursor_moved_ = false;
};

}  // namespace bench
