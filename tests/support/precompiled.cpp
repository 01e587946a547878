// Compiles precompiled.hpp, which cannot be had without a source file.
