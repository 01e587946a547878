#pragma once

namespace hourglass::http {

struct field;
struct request;
struct response;
struct exchange;
struct exchange_result;
class reply;
class event_stream;
class server;
class client;
class egress_guard;

} // namespace hourglass::http
