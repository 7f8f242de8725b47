// How the generator fails: loudly, with one sentence, and with exit status 2.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// A server broke a promise, or the run cannot be made.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Joins text and whole numbers into the sentence of a Failure and throws it.
template <typename... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::string sentence;
  auto add = [&sentence](const auto& part) {
    if constexpr (std::is_convertible_v<decltype(part), std::string_view>) {
      sentence += std::string_view(part);
    } else {
      sentence += std::to_string(part);
    }
  };
  (add(parts), ...);
  throw Failure(sentence);
}

}  // namespace bench
