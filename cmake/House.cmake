# hourglass_folder(NAME NEEDS libraries...): the static library of one folder, hourglass_NAME, from every .cpp in it, but what is a program of its own.
function(hourglass_folder name)
  cmake_parse_arguments(ARG "" "" "NEEDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  file(GLOB_RECURSE of_worker ${CMAKE_CURRENT_SOURCE_DIR}/${name}/worker/*.cpp)
  list(REMOVE_ITEM sources ${of_worker})
  if(NOT sources)
    add_library(hourglass_${name} INTERFACE)
    target_include_directories(hourglass_${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(hourglass_${name} INTERFACE ${ARG_NEEDS})
    return()
  endif()
  add_library(hourglass_${name} STATIC ${sources})
  target_include_directories(hourglass_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(hourglass_${name} PUBLIC ${ARG_NEEDS})
  hourglass_own_code(hourglass_${name})
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/precompiled.hpp)
    target_precompile_headers(hourglass_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${name}/precompiled.hpp)
  endif()
endfunction()

# hourglass_page(TARGET FOLDER): what stands in the folder (index.html, style.css, *.js in order of name) becomes <FOLDER/page.hpp> of the target, so that
# the program serves it without a file beside it.
function(hourglass_page target folder)
  file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.js)
  list(SORT scripts)
  set(made ${PROJECT_BINARY_DIR}/pages/${folder}/page.hpp)
  set(parts ${PROJECT_SOURCE_DIR}/${folder}/index.html ${PROJECT_SOURCE_DIR}/${folder}/style.css ${scripts})
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -DNAME=${folder} -DMADE=${made} "-DPARTS=${parts}" -P ${PROJECT_SOURCE_DIR}/cmake/Page.cmake
    DEPENDS ${parts} ${PROJECT_SOURCE_DIR}/cmake/Page.cmake VERBATIM)
  target_sources(${target} PRIVATE ${made})
  target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/pages)
endfunction()

# hourglass-script-worker, from script/worker/. Confined by a filter of system calls and a limit of its address space, neither of which a sanitizer's
# runtime survives: so it is built without, and shares no library with the rest.
function(hourglass_script_worker)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/script/worker/*.cpp)
  add_executable(hourglass-script-worker ${sources} script/frame.cpp)
  set_target_properties(hourglass-script-worker PROPERTIES COMPILE_OPTIONS "" LINK_OPTIONS "")
  target_include_directories(hourglass-script-worker PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(hourglass-script-worker PRIVATE PkgConfig::MOZJS Threads::Threads)
  hourglass_own_code(hourglass-script-worker)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The engine's roots are a list of locals, which g++ 12 takes for dangling pointers.
    target_compile_options(hourglass-script-worker PRIVATE -Wno-dangling-pointer)
  endif()
endfunction()

# How tests are compiled: a third of the time went into optimising what runs once, and a quarter into reading the same headers.
function(hourglass_test_code target)
  hourglass_own_code(${target})
  target_link_libraries(${target} PRIVATE nlohmann_json::nlohmann_json GTest::gtest GTest::gmock)
  # As some library of ours asks for it: what is read in advance must have been read alike.
  target_compile_options(${target} PRIVATE -pthread)
  target_compile_definitions(${target} PRIVATE GTEST_HAS_PTHREAD=1)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # Where it knows less, g++ 12 warns of texts that it has made up.
    target_compile_options(${target} PRIVATE -O1 -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict)
  endif()
endfunction()

# hourglass_test(NAME LABEL label SOURCES files... NEEDS libraries...): one GoogleTest program, one CTest entry a case.
function(hourglass_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;NEEDS" ${ARGN})
  if(NOT TARGET tests_precompiled)
    add_library(tests_precompiled OBJECT ${PROJECT_SOURCE_DIR}/tests/support/precompiled.cpp)
    hourglass_test_code(tests_precompiled)
    target_precompile_headers(tests_precompiled PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/precompiled.hpp)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  hourglass_test_code(${name})
  target_precompile_headers(${name} REUSE_FROM tests_precompiled)
  target_link_libraries(${name} PRIVATE ${ARG_NEEDS} GTest::gtest_main)
  set(of_each LABELS ${ARG_LABEL} TIMEOUT 300)
  if(HOURGLASS_SANITIZE STREQUAL "thread")
    # Debian's RocksDB is not instrumented: its bytes would be seen being written and read, and nothing of how one thread learns of what another wrote.
    list(APPEND of_each ENVIRONMENT TSAN_OPTIONS=ignore_noninstrumented_modules=1)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${of_each})
endfunction()
