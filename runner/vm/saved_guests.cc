// SPDX-License-Identifier: Apache-2.0
// Which saved guest to restore from, during one run.
#include "runner/vm/saved_guests.h"

#include <exception>

namespace oomgate {
namespace {

constexpr int kAttempts = 2;  // one boot in 150 dies under TCG
constexpr int kFailures = 2;  // restored in vain: it is given up

}  // namespace

std::filesystem::path SavedGuests::Lease::folder() const {
  if (entry_ == nullptr) return {};
  const std::scoped_lock lock(entry_->mutex);
  return entry_->saved && entry_->failures < kFailures
             ? entry_->saved->folder()
             : std::filesystem::path();
}

void SavedGuests::Lease::Distrust() {
  const std::scoped_lock lock(entry_->mutex);
  // Others may still restore from it: it is the next run that must not.
  if (++entry_->failures == kFailures) TemplateStore().Condemn(entry_->key);
}

SavedGuests::Lease SavedGuests::For(
    const std::string& key, const Fill& fill,
    const std::function<void(const std::string&)>& failed) {
  Lease lease;
  {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<Entry>& entry = entries_[key];
    if (entry == nullptr) entry = std::make_shared<Entry>();
    lease.entry_ = entry;
  }
  Entry& entry = *lease.entry_;
  const std::scoped_lock lock(entry.mutex);
  if (entry.tried) return lease;
  entry.tried = true;
  entry.key = key;
  std::string why;
  for (int i = 0; i < kAttempts && !entry.saved; ++i) {
    try {
      TemplateStore store;
      if (auto found = store.Find(key)) {
        entry.saved.emplace(std::move(*found));
      } else {
        entry.saved.emplace(store.Add(key, fill));
      }
    } catch (const std::exception& error) {
      why = error.what();
    }
  }
  if (!entry.saved) failed(why);
  return lease;
}

}  // namespace oomgate
