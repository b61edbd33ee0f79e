// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <map>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::Key;
using testing::Pair;
using testing::StartsWith;
using testing::UnorderedElementsAre;

struct Found {
  mode_t mode = 0;
  dev_t device = 0;
  std::string bytes;
};

std::map<std::string, Found> Unpack(const std::string& cpio) {
  std::map<std::string, Found> found;
  archive* in = archive_read_new();
  archive_read_support_format_cpio(in);
  EXPECT_EQ(archive_read_open_memory(in, cpio.data(), cpio.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
    Found& file = found[archive_entry_pathname(entry)];
    file.mode = archive_entry_mode(entry);
    file.device = archive_entry_rdev(entry);
    file.bytes.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    archive_read_data(in, file.bytes.data(), file.bytes.size());
  }
  archive_read_free(in);
  return found;
}

TEST(PackInitramfs, HoldsDevicesFoldersAndFiles) {
  const std::string cpio =
      PackInitramfs({{"init", 0755, "#!"}, {"a/b/c", 0644, "x\n"}});
  EXPECT_THAT(cpio, StartsWith("070701"));  // newc: all the kernel reads
  std::map<std::string, Found> found = Unpack(cpio);
  EXPECT_THAT(found, UnorderedElementsAre(Key("dev"), Key("dev/console"),
                                          Key("dev/null"), Key("proc"),
                                          Key("sys"), Key("tmp"), Key("init"),
                                          Key("a"), Key("a/b"), Key("a/b/c")));
  EXPECT_EQ(found["init"].mode, S_IFREG | 0755U);
  EXPECT_EQ(found["a/b/c"].bytes, "x\n");
  EXPECT_EQ(found["dev/console"].mode, S_IFCHR | 0600U);
  EXPECT_EQ(found["dev/console"].device, makedev(5, 1));
}

TEST(PackInitramfs, IsTheSameEveryTime) {
  EXPECT_EQ(PackInitramfs({{"init", 0755, "#!"}}),
            PackInitramfs({{"init", 0755, "#!"}}));
}

TEST(PackSegment, CanFollowAnArchive) {
  const std::string first = PackInitramfs({{"init", 0755, "#!"}});
  EXPECT_EQ(first.size() % 4, 0U);  // the kernel looks for the next at 4 bytes
  std::map<std::string, Found> found =
      Unpack(PackSegment({{"orders", 0644, "o"}}));
  EXPECT_THAT(found, ElementsAre(Key("orders")));
}

TEST(ReadWholeFile, NamesWhatIsMissing) {
  try {
    ReadWholeFile("/no/such/init");
    FAIL();
  } catch (const HarnessError& e) {
    EXPECT_THAT(e.what(), StartsWith("/no/such/init: missing"));
  }
}

TEST(WriteWholeFile, IsTheUsersToMendWhereTheDiskIsFull) {
  EXPECT_THROW(WriteWholeFile("/dev/full", "a", "b"), UserError);
}

}  // namespace
}  // namespace oomgate
