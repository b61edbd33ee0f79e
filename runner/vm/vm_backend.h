// SPDX-License-Identifier: Apache-2.0
// Guests as a place: restores or boots one for a group, and another one for
// what the first did not come to.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runner/backend.h"
#include "runner/kernel/kernel.h"
#include "runner/profile/symbols.h"
#include "runner/vm/accelerator.h"
#include "runner/vm/guest.h"
#include "runner/vm/guest_symbols.h"
#include "runner/vm/qemu.h"
#include "runner/vm/saved_guests.h"
#include "runner/vm/swap.h"

namespace oomgate {

struct VmOptions {
  Kernel kernel;
  AcceleratorChoice accelerator = AcceleratorChoice::kAuto;
  std::string command_line;  // the user's addition to the kernel's
  SwapKind swap = SwapKind::kVirtio;
  std::string init;               // path of oomgate-init
  std::string cases;              // path of oomgate-cases
  std::filesystem::path scratch;  // exists; initramfs and swap go there
  std::filesystem::path console;  // exists; one log per group; empty: no logs
  bool keep = false;              // what was in `scratch`
  // Boot every guest, instead of restoring one that was saved.
  bool cold = false;
  bool profile = false;       // count instructions by function
  std::string profiler = {};  // path of the plugin that does; "": there is none
  // The kernel's functions; where there are none, each guest tells its own.
  Symbols symbols = {};
  GuestLimits limits = {};
};

class VmBackend : public Backend {
 public:
  explicit VmBackend(VmOptions options);

  std::string Missing() override;
  // May be called from several threads. Throws UserError where the options do
  // not fit this machine (KVM that does not work) or the kernel (no driver for
  // the swap asked for).
  void Run(const OrderGroup& group, Sink& sink, const Cancel& cancel) override;

 private:
  struct Programs {
    std::string packed;                // an initramfs but for the orders
    std::vector<std::string> modules;  // paths in it, in load order
  };

  Accelerator ChosenAccelerator(const Shape& shape, Sink& sink,
                                const Cancel& cancel);
  // AcceleratorQuestion::canary.
  std::optional<std::string> Canary(const Shape& shape, const Cancel& cancel);
  // With the modules that the shape takes.
  const Programs& ProgramsFor(const Shape& shape);
  // What all guests of the shape have in common.
  GuestOrders ShapeOrders(const Shape& shape);
  GuestOrders OrdersOf(const OrderGroup& group);
  // What a start's record cannot say.
  oomgate::Start Identity(Accelerator accelerator) const;
  // With its disks and, to boot, its initramfs in `scratch`.
  GuestMachine MachineOf(const Shape& shape, Accelerator accelerator,
                         const std::filesystem::path& scratch);
  void AddInitramfs(GuestMachine& machine, const GuestOrders& orders,
                    const std::filesystem::path& scratch);
  // An initramfs that gets all that is not of the shape from the mailbox.
  void AddWaiting(GuestMachine& machine, const std::filesystem::path& scratch);
  std::filesystem::path NewScratch();
  // Boots one to keep; throws HarnessError.
  void Save(const Shape& shape, Accelerator accelerator,
            const std::filesystem::path& folder, const Cancel& cancel);
  std::string TemplateKey(const Shape& shape, Accelerator accelerator);
  // The saved guest to restore from; with none in it where each is booted.
  SavedGuests::Lease SavedFor(const Shape& shape, Accelerator accelerator,
                              Sink& sink, const Cancel& cancel);

  struct Start {
    Accelerator accelerator = Accelerator::kTcg;
    bool verbose = false;
    std::filesystem::path saved = {};  // folder to restore from; empty: boot
    bool profile = false;              // counts instructions
    bool symbols = false;              // is asked for its functions
  };
  const Symbols& SymbolsOf(const Shape& shape, const Start& start,
                           const Cancel& cancel);
  // Tells what was counted in a guest that ran what is in `group`.
  void TellProfile(const OrderGroup& group, const std::string& counts,
                   const Symbols& symbols, Sink& sink) const;
  // One guest, which is to run what is in `group`. Throws HarnessError where
  // not even QEMU comes up.
  GuestEnd RunOne(const OrderGroup& group, const Start& start,
                  Progress& progress, Console& console,
                  const std::function<void(std::string_view)>& on_line,
                  const Cancel& cancel);

  const VmOptions options_;
  const Qemu qemu_;
  std::atomic<int> guests_ = 0;
  std::atomic<int> consoles_ = 0;
  std::mutex accelerator_mutex_;
  std::optional<Accelerator> accelerator_;
  std::mutex programs_mutex_;
  std::map<std::set<SwapKind>, Programs> programs_;  // by drivers
  SavedGuests saved_;
  GuestSymbols symbols_;
};

}  // namespace oomgate
