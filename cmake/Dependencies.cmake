find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(CAF REQUIRED)
find_package(Boost 1.81 REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(MOZJS REQUIRED IMPORTED_TARGET mozjs-102)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)

# RocksDB's own CMake package asks for the -dev packages of every compressor it was built with, so
# the shared library is found by hand.
find_path(ROCKSDB_INCLUDE rocksdb/db.h REQUIRED)
find_library(ROCKSDB_LIBRARY rocksdb REQUIRED)
add_library(RocksDB::shared SHARED IMPORTED)
set_target_properties(RocksDB::shared PROPERTIES IMPORTED_LOCATION ${ROCKSDB_LIBRARY}
                                                 INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${ROCKSDB_INCLUDE})
