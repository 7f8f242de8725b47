#include "deskbell.hpp"

#include <utility>

#include "msgpack.hpp"

namespace bench {

/// The fields of any frame that this client looks at; views into the frame's bytes.
struct DeskbellSession::Frame {
  std::string_view type;
  std::uint64_t revision = 0;
  std::string_view conversation;
  std::uint64_t seq = 0;
  std::string_view text;
  std::string_view client_message_id;
  std::string_view code;
  std::string_view explanation;  // an error's `message`
  std::string_view receipts;     // still encoded
  std::string_view messages;     // still encoded

  explicit Frame(std::string_view bytes) {
    MsgpackReader reader(bytes);
    for (std::size_t pairs = reader.map(); pairs > 0; --pairs) take(reader.text(), reader);
  }

  void take(std::string_view key, MsgpackReader& reader) {
    if (key == "type") {
      type = reader.text();
    } else if (key == "revision") {
      revision = reader.number();
    } else if (key == "seq") {
      seq = reader.number();
    } else if (key == "text") {
      text = reader.text();
    } else if (key == "client_message_id") {
      client_message_id = reader.text();
    } else if (key == "code") {
      code = reader.text();
    } else if (key == "message") {
      explanation = reader.text();
    } else if (key == "conversation" && type != "conversation_added") {
      conversation = reader.text();
    } else {
      const std::string_view value = reader.rest();
      reader.skip();
      if (key == "receipts") receipts = value;
      if (key == "messages") messages = value;
    }
  }
};

DeskbellSession::DeskbellSession(const Member& member, std::size_t index, Listener& listener,
                                 std::string run)
    : WebsocketSession(member, index, listener, "/v1/ws", "deskbell.v1.msgpack"),
      run_(std::move(run)) {}

void DeskbellSession::upgraded() {
  MsgpackWriter hello;
  hello.map(3).text("type").text("hello").text("token").text(member.secret);
  hello.text("device").text("bench-" + run_ + "-" + std::to_string(index));
  send_frame(Opcode::binary, hello.bytes());
}

void DeskbellSession::send_message(Number number) {
  const auto text = text_of(number);
  MsgpackWriter send;
  send.map(4).text("type").text("send").text("conversation").text(member.conversation);
  send.text("client_message_id").text(run_ + "-" + std::to_string(number));
  send.text("text").text({text.data(), text.size()});
  send_frame(Opcode::binary, send.bytes());
}

void DeskbellSession::send_receipt(Number number) {
  delivered_up_to_ = *first_seq_ + number;
  cursor_moved_ = true;
}

void DeskbellSession::read_ended() {
  if (!cursor_moved_) return;
  cursor_moved_ = false;
  MsgpackWriter receipt;
  receipt.map(3).text("type").text("receipt").text("conversation").text(member.conversation);
  receipt.text("delivered_up_to").number(delivered_up_to_);
  send_frame(Opcode::binary, receipt.bytes());
}

void DeskbellSession::request_page(unsigned limit) {
  MsgpackWriter history;
  history.map(4).text("type").text("history").text("id").number(1);
  history.text("conversation").text(member.conversation).text("limit").number(limit);
  send_frame(Opcode::binary, history.bytes());
}

void DeskbellSession::frame_received(std::string_view payload) {
  const Frame frame(payload);
  if (frame.type == "message") return on_message(frame);
  if (frame.type == "ack") return on_ack(frame);
  if (frame.type == "receipt") return on_receipts(frame);
  if (frame.type == "page") return on_page(frame);
  if (frame.type == "welcome") return listener.ready(*this);
  if (frame.type == "error") fail(name(), " was refused: ", frame.code, ": ", frame.explanation);
}

void DeskbellSession::on_message(const Frame& frame) {
  check_revision(frame);
  const Number number = number_in(frame.text);
  check_place(frame.seq, number);
  listener.message(*this, number);
}

void DeskbellSession::on_ack(const Frame& frame) {
  Number number = 0;
  const std::string_view id = frame.client_message_id;
  const std::size_t digits = run_.size() + 1;
  if (id.size() <= digits || !id.starts_with(run_) ||
      std::from_chars(id.data() + digits, id.data() + id.size(), number).ec != std::errc()) {
    fail("an ack for a message that was never sent: ", id);
  }
  check_place(frame.seq, number);
  listener.ack(*this, number);
}

void DeskbellSession::on_receipts(const Frame& frame) {
  check_revision(frame);
  MsgpackReader reader(frame.receipts);
  for (std::size_t left = reader.array(); left > 0; --left) {
    std::string_view person;
    std::uint64_t delivered_up_to = 0;
    for (std::size_t pairs = reader.map(); pairs > 0; --pairs) {
      const std::string_view key = reader.text();
      if (key == "person") {
        person = reader.text();
      } else if (key == "delivered_up_to") {
        delivered_up_to = reader.number();
      } else {
        reader.skip();
      }
    }
    if (!first_seq_ || delivered_up_to < *first_seq_) {
      fail("a receipt of ", person, " for what was not sent: ", delivered_up_to);
    }
    listener.receipt(*this, person, delivered_up_to - *first_seq_);
  }
}

void DeskbellSession::on_page(const Frame& frame) {
  MsgpackReader reader(frame.messages);
  const std::size_t count = reader.array();
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view start = reader.rest();
    reader.skip();
    const Frame message(start.substr(0, start.size() - reader.rest().size()));
    if (i > 0 && message.seq != before + 1) fail("a page with a hole after seq ", before);
    before = message.seq;
  }
  listener.page(*this, count);
}

void DeskbellSession::check_revision(const Frame& frame) {
  if (frame.conversation != member.conversation) {
    fail(name(), " was told of conversation ", frame.conversation);
  }
  if (frame.revision <= revision_) {
    fail(name(), " was told revision ", frame.revision, " after ", revision_);
  }
  revision_ = frame.revision;
}

void DeskbellSession::check_place(std::uint64_t seq, Number number) {
  if (!first_seq_) first_seq_ = seq - number;
  if (seq != *first_seq_ + number) {
    fail(name(), " got message ", number, " with seq ", seq, ", not ", *first_seq_ + number);
  }
}

}  // namespace bench
