// SPDX-License-Identifier: Apache-2.0
// Maps so many bytes, as one private writable mapping that was made in two
// steps; at a line on stdin it forks, and says "forked" or "refused". With a
// second word it writes a byte of each 2 MiB first: a page table for each.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  const std::size_t half =
      std::strtoull(argv[1], nullptr, 10) / 2 / 4096 * 4096;
  char* const at = static_cast<char*>(
      mmap(nullptr, 2 * half + 8192, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (at == MAP_FAILED) return 3;
  for (int part = 0; part < 2; ++part) {
    if (mmap(at + 4096 + part * half, half, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      std::puts("unmapped");
      return 3;
    }
  }
  for (std::size_t done = 0; argc == 3 && done < 2 * half; done += 2 << 20) {
    at[4096 + done] = 1;
  }
  std::puts("mapped");
  std::fflush(stdout);
  char line[16];
  if (std::fgets(line, sizeof line, stdin) == nullptr) return 2;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  if (child > 0) waitpid(child, nullptr, 0);
  std::puts(child > 0 ? "forked" : "refused");
}
