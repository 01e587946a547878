set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  # Without these it keeps nothing that includes a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

if(HOURGLASS_SANITIZE)
  add_compile_options(-fsanitize=${HOURGLASS_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${HOURGLASS_SANITIZE})
  if(HOURGLASS_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# Fuzzing steers by coverage, so the code under test is instrumented too; the engine is linked in tests/fuzz.
if(HOURGLASS_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "HOURGLASS_FUZZ needs clang: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Strict warnings, as errors, on our own code only: third parties come in as SYSTEM.
function(hourglass_own_code target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                                           -Woverloaded-virtual -Wold-style-cast
                                           -Wno-missing-field-initializers -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # g++ 12 is the judge; clang builds the fuzzers, and its -Wconversion means more.
    target_compile_options(${target} PRIVATE -Wno-error -Wno-sign-conversion)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND HOURGLASS_SANITIZE)
    # The sanitizers' instrumentation makes g++ 12 see uninitialised values and copies out of bounds where there are none.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-error=tsan)
  endif()
endfunction()
