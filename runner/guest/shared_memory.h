// SPDX-License-Identifier: Apache-2.0
// Memory that the outside shares with this guest: QEMU's ivshmem device.
#pragma once

namespace oomgate {

// Where it is mapped, or null where the machine has no such device.
const volatile unsigned char* MapSharedMemory();

}  // namespace oomgate
