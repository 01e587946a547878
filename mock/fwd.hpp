#pragma once

namespace hourglass::mock {

struct field;
struct request;
struct response;
struct decision;
struct endpoint;
struct plan;
class request_check;
struct served;
struct served_record;
struct endpoint_state;
struct data_state;
struct seeding;
struct clock_state;
struct settings_state;
struct openapi_document;

} // namespace hourglass::mock
