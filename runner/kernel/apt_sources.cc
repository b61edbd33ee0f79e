// SPDX-License-Identifier: Apache-2.0
// Where this machine gets Debian packages from: read out of its own apt
// configuration, so that the mirror and keys which its owner trusts are used.
#include "runner/kernel/apt_sources.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

// "…/debian/" -> "debian"; so too "mirror+file:/etc/apt/mirrors/debian.list".
std::string Repository(std::string uri) {
  while (uri.ends_with('/')) uri.pop_back();
  const std::size_t slash = uri.rfind('/');
  if (slash == std::string::npos) return "";
  std::string last = uri.substr(slash + 1);
  if (uri.starts_with("mirror") && last.ends_with(".list")) {
    last.erase(last.size() - 5);
  }
  return last;
}

void Add(Mirror mirror, const Catalog& catalog, std::vector<Mirror>& all) {
  mirror.repository = Repository(mirror.uri);
  const bool known = catalog.suites.contains(mirror.repository);
  const bool there = std::any_of(all.begin(), all.end(), [&](const Mirror& m) {
    return m.repository == mirror.repository;
  });
  if (known && !there && !mirror.uri.starts_with("cdrom:")) {
    all.push_back(std::move(mirror));
  }
}

// "deb [signed-by=FILE arch=amd64] URI SUITE COMPONENT…"
void ReadLine(std::string line, const Catalog& catalog,
              std::vector<Mirror>& all) {
  line = line.substr(0, line.find('#'));
  Mirror mirror;
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']');
  if (open != std::string::npos && close != std::string::npos && open < close) {
    for (const std::string& option :
         Words(line.substr(open + 1, close - open - 1))) {
      if (option.starts_with("signed-by="))
        mirror.signed_by = option.substr(10);
      if (option == "trusted=yes") mirror.trusted = true;
    }
    line.erase(open, close - open + 1);
  }
  const std::vector<std::string> words = Words(line);
  if (words.size() < 3 || words[0] != "deb") return;
  mirror.uri = words[1];
  Add(mirror, catalog, all);
}

// One stanza of a *.sources file, by lower-case field.
void ReadStanza(std::map<std::string, std::string>& fields,
                const Catalog& catalog, std::vector<Mirror>& all) {
  const std::vector<std::string> types = Words(fields["types"]);
  const bool binary =
      std::find(types.begin(), types.end(), "deb") != types.end();
  if (binary && Lower(fields["enabled"]) != "no") {
    for (const std::string& uri : Words(fields["uris"])) {
      Add({.repository = "",
           .uri = uri,
           .signed_by = fields["signed-by"],
           .trusted = Lower(fields["trusted"]) == "yes"},
          catalog, all);
    }
  }
  fields.clear();
}

void ReadStanzas(const std::string& text, const Catalog& catalog,
                 std::vector<Mirror>& all) {
  std::map<std::string, std::string> fields;
  std::string last;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with('#')) continue;
    if (line.empty()) {
      ReadStanza(fields, catalog, all);
    } else if (line[0] == ' ' || line[0] == '\t') {
      fields[last] += "\n" + line;
    } else if (const std::size_t colon = line.find(':');
               colon != std::string::npos) {
      last = Lower(line.substr(0, colon));
      const std::size_t value = line.find_first_not_of(" \t", colon + 1);
      fields[last] = value == std::string::npos ? "" : line.substr(value);
    }
  }
  ReadStanza(fields, catalog, all);
}

}  // namespace

std::vector<Mirror> ReadMirrors(const fs::path& etc, const Catalog& catalog) {
  std::vector<fs::path> files;
  if (fs::exists(etc / "sources.list")) files.push_back(etc / "sources.list");
  if (fs::is_directory(etc / "sources.list.d")) {
    for (const auto& file : fs::directory_iterator(etc / "sources.list.d")) {
      files.push_back(file.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Mirror> mirrors;
  for (const fs::path& file : files) {
    if (file.extension() == ".sources") {
      ReadStanzas(LoadBytes(file), catalog, mirrors);
    } else if (file.extension() == ".list") {
      std::istringstream in(LoadBytes(file));
      for (std::string line; std::getline(in, line);) {
        ReadLine(line, catalog, mirrors);
      }
    }
  }
  return mirrors;
}

std::string WriteSources(const std::vector<Mirror>& mirrors,
                         const Catalog& catalog) {
  std::string text;
  for (const Mirror& mirror : mirrors) {
    text += fmt::format(
        "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\n"
        "Architectures: amd64\nTargets: Packages\n",
        mirror.uri, fmt::join(catalog.suites.at(mirror.repository), " "));
    if (!mirror.signed_by.empty()) {
      text += fmt::format("Signed-By: {}\n", mirror.signed_by);
    }
    if (mirror.trusted) text += "Trusted: yes\n";
    text += "\n";
  }
  return text;
}

}  // namespace oomgate
