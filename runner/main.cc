// SPDX-License-Identifier: Apache-2.0
// The command line of oomgate: see cli.cc.
#include "runner/cli.h"

int main(int argc, char** argv) { return oomgate::Main(argc, argv); }
