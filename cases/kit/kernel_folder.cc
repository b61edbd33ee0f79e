// SPDX-License-Identifier: Apache-2.0
// Folders of small files of the kernel's.
#include "oomgate/kernel_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "oomgate/usage.h"

namespace oomgate {

KernelFolder::Path KernelFolder::PathOf(const char* file) const {
  Path path;
  std::snprintf(path.text, sizeof path.text, "%s/%s", folder_, file);
  return path;
}

bool KernelFolder::Has(const char* file) const {
  return access(PathOf(file).text, F_OK) == 0;
}

std::int64_t KernelFolder::Number(const char* file) const {
  return NumberIn(PathOf(file).text);
}

std::int64_t KernelFolder::Field(const char* file, const char* key) const {
  return FieldIn(PathOf(file).text, key);
}

int KernelFolder::Write(const char* file, const char* value) const {
  const int fd = open(PathOf(file).text, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const bool written = write(fd, value, std::strlen(value)) >= 0;
  const int error = written ? 0 : errno;
  close(fd);
  return error;
}

int KernelFolder::Write(const char* file, Bytes value) const {
  char text[24];
  std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value.count));
  return Write(file, text);
}

Setting KernelFolder::With(const char* file, std::string_view value) const {
  return {std::string(folder_) + "/" + file, std::string(value)};
}

}  // namespace oomgate
