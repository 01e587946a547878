#pragma once

namespace hourglass::storage {

class journal;
class store;
class index_writer;

} // namespace hourglass::storage
