#pragma once

namespace hourglass::worker {

/// The first half: what a worker gives up before it starts the engine. `socket` stays open, and nothing else. One for `slow` scripts
/// makes way for whoever wakes up beside it.
bool give_up_what_is_inherited(int socket, bool slow);

/// The second half, for good and for all threads: from now on the process can compute, allocate, and read and write what is open already. It
/// cannot open, connect, start or signal anything, nor make memory executable: the system ends it when it tries.
/// Fails when the system has no seccomp; then no script may run.
bool confine();

} // namespace hourglass::worker
