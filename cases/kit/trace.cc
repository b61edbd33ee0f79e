// SPDX-License-Identifier: Apache-2.0
// Named numbers on a shared page.
#include "oomgate/trace.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace oomgate {

Trace* Trace::Share() {
  void* page = mmap(nullptr, sizeof(Trace), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (page == MAP_FAILED) throw std::bad_alloc();
  std::memset(page, 0, sizeof(Trace));  // present before any box is entered
  Trace* const trace = new (page) Trace;
  trace->step_ = kNoStep;
  return trace;
}

// Shared pages are mapped anew by each process that touches them. An exchange
// writes what is there, and no other process's value is lost.
void Trace::MakePresent() {
  constexpr std::size_t kPageSize = 4096;
  auto* const start = reinterpret_cast<unsigned char*>(this);
  for (std::size_t at = 0; at < sizeof *this; at += kPageSize) {
    std::atomic_ref byte(start[at]);
    unsigned char value = byte.load();
    byte.compare_exchange_strong(value, value);
  }
}

void Trace::Release(Trace* trace) { munmap(trace, sizeof(Trace)); }

std::atomic<std::int64_t>& Trace::Counter(const char* name) {
  const int used = used_.load();
  const int step = step_.load();
  for (int i = 0; i < used; ++i) {
    if (slots_[i].step == step && std::strcmp(slots_[i].name, name) == 0) {
      return slots_[i].value;
    }
  }
  if (used == kSlots || std::strlen(name) >= sizeof slots_[0].name) {
    overflowed_ = true;
    return slots_[kSlots - 1].value;
  }
  std::strcpy(slots_[used].name, name);
  slots_[used].step = step;
  used_ = used + 1;  // last: the judge may look at any time
  return slots_[used].value;
}

void Trace::Set(const char* name, std::int64_t value) {
  Counter(name).store(value);
}

void Trace::Add(const char* name, std::int64_t delta) {
  Counter(name).fetch_add(delta);
}

void Trace::Stop(const char* what, int error) {
  std::strncpy(stop_what_, what, sizeof stop_what_ - 1);
  stop_error_ = error == 0 ? -1 : error;
  _exit(1);
}

std::map<std::string, std::int64_t> Trace::Values(
    const std::vector<std::string>& steps) const {
  std::map<std::string, std::int64_t> values;
  for (int i = 0; i < used_.load(); ++i) {
    const Slot& slot = slots_[i];
    std::string name = slot.name;
    if (slot.step != kNoStep) {
      const auto step = static_cast<std::size_t>(slot.step);
      name = (step < steps.size() ? steps[step] : "?") + "." + name;
    }
    values[name] = slot.value.load();
  }
  return values;
}

std::string Trace::Stopped() const {
  const int error = stop_error_.load();
  if (error == 0) return "";
  std::string text = stop_what_;
  if (error > 0) text += std::string(": ") + std::strerror(error);
  return text;
}

}  // namespace oomgate
