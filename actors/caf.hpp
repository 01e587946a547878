#pragma once

// The only way CAF comes in. Its headers use <limits> and others without including them, so those come first.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>
