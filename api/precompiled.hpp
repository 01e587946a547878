#pragma once

// What nearly every file of this folder reads. Not to be included by hand.
#include "api/call.hpp"
#include "api/router.hpp"
