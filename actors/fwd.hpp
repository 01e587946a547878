#pragma once

namespace hourglass::actors {

class node;
class plugin_registry;
struct node_options;
struct caller;
struct receipt;

} // namespace hourglass::actors
