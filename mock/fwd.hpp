#pragma once

namespace hourglass::mock {

struct request;
struct response;
struct endpoint;
struct endpoint_state;
struct data_state;
struct clock_state;
struct settings_state;

} // namespace hourglass::mock
