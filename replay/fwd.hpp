#pragma once

namespace hourglass::replay {

struct sandbox_state;
struct moment;
struct replayed;

} // namespace hourglass::replay
