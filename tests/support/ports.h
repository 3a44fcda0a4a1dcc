// Ports of loopback for servers of tests.
#pragma once

namespace pharos::tests {

// One that nobody listens on, and that stays ours until this process ends: whoever else looks for one
// meanwhile gets another (ops/rehearsal/ports.py shares the locks).
int FreePort();

}  // namespace pharos::tests
