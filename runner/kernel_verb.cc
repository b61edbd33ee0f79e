// SPDX-License-Identifier: Apache-2.0
// oomgate kernel: the kernels that guests can boot.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "oomgate/model/json.h"
#include "runner/cli.h"
#include "runner/error.h"
#include "runner/kernel/store.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

Json ToJson(const Kernel& kernel) {
  return {{"release", kernel.release},
          {"source", kernel.source},
          {"directory", kernel.directory.string()},
          {"image", kernel.image.string()},
          {"pvh", kernel.pvh},
          {"modules", kernel.modules.string()},
          {"config", kernel.config},
          {"digest", kernel.digest}};
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string Line(const Kernel& kernel) {
  return fmt::format(
      "{:<32} {}{}{}\n", Printable(kernel.release),
      kernel.pvh ? "pvh" : "bzImage", kernel.modules.empty() ? "" : ", modules",
      kernel.source.empty() ? "" : "  from " + Printable(kernel.source));
}

std::string Text(const Kernel& kernel) {
  std::string text = fmt::format(
      "{}\n  source   {}\n  image    {}\n  boots as {}\n  modules  {}\n"
      "  digest   {}\n",
      Printable(kernel.release), Printable(kernel.source),
      kernel.image.string(), kernel.pvh ? "ELF through PVH" : "bzImage",
      kernel.modules.empty() ? "none" : kernel.modules.string(), kernel.digest);
  if (kernel.config.empty()) text += "  config   not known\n";
  for (const auto& [option, value] : kernel.config) {
    text += fmt::format("  {}={}\n", option, value.empty() ? "n" : value);
  }
  return text;
}

void PrintList(const std::string& format) {
  const std::vector<Kernel> kernels = KernelStore().List();
  std::string text;
  if (format == "json") {
    Json list = Json::array();
    for (const Kernel& kernel : kernels) list.push_back(ToJson(kernel));
    text = Dump({{"kernels", std::move(list)}});
  } else {
    for (const Kernel& kernel : kernels) text += Line(kernel);
    if (kernels.empty()) {
      std::fputs("no kernels yet: oomgate kernel fetch debian:6.1\n", stderr);
    }
  }
  std::fputs(text.c_str(), stdout);
}

void PrintOne(const Kernel& kernel, const std::string& format) {
  std::fputs((format == "json" ? Dump(ToJson(kernel)) : Text(kernel)).c_str(),
             stdout);
}

}  // namespace

void AddKernelVerb(CLI::App& app, int& exit_code) {
  struct Options {
    std::string what;
    std::string format = "human";
  };
  const auto o = std::make_shared<Options>();
  CLI::App* kernel =
      app.add_subcommand("kernel", "the kernels that guests can boot");
  kernel->require_subcommand(1);

  CLI::App* list = kernel->add_subcommand("list", "those in the cache");
  AddFormatOption(*list, o->format);
  list->callback([o, &exit_code] {
    PrintList(o->format);
    exit_code = kExitOk;
  });

  CLI::App* fetch =
      kernel->add_subcommand("fetch", "get one from the distribution's mirror");
  fetch->add_option("spec", o->what, "debian:5.10, debian:6.1, debian:newest")
      ->required();
  AddFormatOption(*fetch, o->format);
  fetch->callback([o, &exit_code] {
    PrintOne(KernelStore().Fetch(o->what), o->format);
    exit_code = kExitOk;
  });

  CLI::App* add = kernel->add_subcommand("add", "take one of your own");
  add->add_option("path", o->what,
                  "bzImage, vmlinux, kernel .deb, or a build tree")
      ->required();
  AddFormatOption(*add, o->format);
  add->callback([o, &exit_code] {
    PrintOne(KernelStore().Add(o->what), o->format);
    exit_code = kExitOk;
  });

  CLI::App* show = kernel->add_subcommand("show", "all that is known of one");
  show->add_option("kernel", o->what,
                   "release or its beginning; default: the default kernel");
  AddFormatOption(*show, o->format);
  show->callback([o, &exit_code] {
    PrintOne(KernelStore().Resolve(o->what), o->format);
    exit_code = kExitOk;
  });
}

}  // namespace oomgate
