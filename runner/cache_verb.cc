// SPDX-License-Identifier: Apache-2.0
// oomgate cache: what is kept between runs, and how to be rid of it.
#include <fmt/core.h>

#include <cstdio>

#include "runner/cli.h"
#include "runner/error.h"
#include "runner/kernel/store.h"
#include "runner/vm/template_store.h"

namespace oomgate {

void AddCacheVerb(CLI::App& app, int& exit_code) {
  CLI::App* cache = app.add_subcommand("cache", "what is kept between runs");
  cache->require_subcommand(1);

  cache->add_subcommand("show", "kernels and saved guests, and what they take")
      ->callback([&exit_code] {
        const TemplateStore saved;
        fmt::print("{}: {} kernels\n{}: {} saved guests, {} MiB\n",
                   KernelStore::DefaultRoot().string(),
                   KernelStore().List().size(),
                   TemplateStore::DefaultRoot().string(), saved.Count(),
                   saved.Size() / 1_MiB);
        exit_code = kExitOk;
      });
  cache->add_subcommand("clean", "remove the saved guests that nobody uses")
      ->callback([&exit_code] {
        TemplateStore saved;
        const Bytes before = saved.Size();
        saved.Clean();
        fmt::print("{} MiB freed\n", (before - saved.Size()) / 1_MiB);
        exit_code = kExitOk;
      });
}

}  // namespace oomgate
