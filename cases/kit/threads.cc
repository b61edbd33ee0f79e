// SPDX-License-Identifier: Apache-2.0
// Threads of a subject.
#include "oomgate/threads.h"

namespace oomgate {

int TryStartThread(pthread_t& thread, void* (*run)(void*), void* argument,
                   Bytes stack) {
  pthread_attr_t size;
  pthread_attr_init(&size);
  int error =
      pthread_attr_setstacksize(&size, static_cast<std::size_t>(stack.count));
  if (error == 0) error = pthread_create(&thread, &size, run, argument);
  pthread_attr_destroy(&size);
  return error;
}

int TryThread() {
  const auto run = [](void*) -> void* { return nullptr; };
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, run, nullptr);
  if (error == 0) pthread_join(thread, nullptr);
  return error;
}

}  // namespace oomgate
