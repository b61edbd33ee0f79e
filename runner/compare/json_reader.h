// SPDX-License-Identifier: Apache-2.0
// Walks one JSON text (simdjson) and knows the line and the field of whatever
// is wrong in it.
#pragma once

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "oomgate/model/json.h"
#include "runner/error.h"

namespace oomgate {

// What is being read, for the one line that says what is wrong with it.
class JsonReader {
 public:
  JsonReader(const simdjson::padded_string& text, const std::string& name)
      : text_(text), name_(name) {}

  [[noreturn]] void Refuse(simdjson::ondemand::value value,
                           const std::string& what) {
    const std::string_view token = value.raw_json_token();
    const auto before = static_cast<std::size_t>(token.data() - text_.data());
    std::string shown(token.substr(0, token.find_first_of(",\n")));
    if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
    throw UserError(fmt::format("{}:{}: {}: is {}, {}", name_, LineAt(before),
                                path_, shown, what));
  }

  // Damage, not a wrong value: the other parser tells where it begins.
  [[noreturn]] void Damaged(simdjson::error_code error) const {
    std::string why = simdjson::error_message(error);
    std::size_t line = LineAt(text_.size());
    try {
      const std::string_view text(text_.data(), text_.size());
      const Json whole = Json::parse(text);
    } catch (const Json::parse_error& parse_error) {
      line = LineAt(std::min(parse_error.byte, text_.size()));
      const std::string what = parse_error.what();
      const std::size_t colon = what.find(": ");
      why = colon == std::string::npos ? what : what.substr(colon + 2);
    } catch (const Json::exception&) {
    }
    throw UserError(fmt::format("{}:{}: {}: no whole JSON text: {}", name_,
                                line, path_.empty() ? "run" : path_, why));
  }

  [[noreturn]] void Missing(const std::string& field) const {
    throw UserError(fmt::format("{}: {}: is not there", name_,
                                path_.empty() ? field : path_ + "." + field));
  }

  template <typename T>
  T Checked(simdjson::simdjson_result<T> result) const {
    T value;
    const simdjson::error_code error = std::move(result).get(value);
    if (error != simdjson::SUCCESS) Damaged(error);
    return value;
  }

  // What `act` reads is of the field with that name.
  template <typename Act>
  void Within(std::string_view name, Act act) {
    const std::size_t length = path_.size();
    if (length > 0) path_ += '.';
    path_ += name;
    act();
    path_.resize(length);
  }

  // Calls `each(name, value)` for every member. What it leaves is passed over.
  template <typename Each>
  void Members(simdjson::ondemand::value value, Each each) {
    simdjson::ondemand::object object;
    const auto error = value.get_object().get(object);
    if (error == simdjson::INCORRECT_TYPE) Refuse(value, "must be an object");
    if (error != simdjson::SUCCESS) Damaged(error);
    for (auto member : object) {
      simdjson::ondemand::field field = Checked(std::move(member));
      const std::string_view name = Checked(field.unescaped_key());
      Within(name, [&] { each(name, field.value()); });
    }
  }
  template <typename Each>
  void Items(simdjson::ondemand::value value, Each each) {
    simdjson::ondemand::array array;
    const auto error = value.get_array().get(array);
    if (error == simdjson::INCORRECT_TYPE) Refuse(value, "must be an array");
    if (error != simdjson::SUCCESS) Damaged(error);
    const std::size_t length = path_.size();
    std::size_t index = 0;
    for (auto item : array) {
      path_ += fmt::format("[{}]", index++);
      each(Checked(item));
      path_.resize(length);
    }
  }

  std::string Text(simdjson::ondemand::value value) {
    return std::string(Scalar<std::string_view>(value, "must be a text"));
  }
  double Number(simdjson::ondemand::value value) {
    return Scalar<double>(value, "must be a number");
  }
  int Count(simdjson::ondemand::value value) {
    return static_cast<int>(
        Scalar<std::int64_t>(value, "must be a whole number"));
  }
  bool Truth(simdjson::ondemand::value value) {
    return Scalar<bool>(value, "must be true or false");
  }
  template <typename Enum, std::size_t N>
  Enum Word(const char* const (&names)[N], simdjson::ondemand::value value) {
    const std::string text = Text(value);
    const auto* const at = std::find(std::begin(names), std::end(names), text);
    if (at == std::end(names)) {
      std::string words;
      for (const char* name : names) {
        words += (words.empty() ? "" : ", ") + std::string(name);
      }
      Refuse(value, "must be one of " + words);
    }
    return static_cast<Enum>(at - std::begin(names));
  }

 private:
  std::size_t LineAt(std::size_t offset) const {
    return 1 + static_cast<std::size_t>(
                   std::count(text_.data(), text_.data() + offset, '\n'));
  }

  template <typename T>
  T Scalar(simdjson::ondemand::value value, const char* must) {
    T scalar;
    const auto error = value.get(scalar);
    if (error == simdjson::INCORRECT_TYPE ||
        error == simdjson::NUMBER_OUT_OF_RANGE ||
        error == simdjson::NUMBER_ERROR) {
      Refuse(value, must);
    }
    if (error != simdjson::SUCCESS) Damaged(error);
    return scalar;
  }

  const simdjson::padded_string& text_;
  const std::string& name_;
  std::string path_;  // "results[3].metrics.rss"
};

}  // namespace oomgate
