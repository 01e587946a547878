#pragma once

namespace hourglass::actors {

class node;
struct node_options;
struct caller;
struct receipt;

} // namespace hourglass::actors
