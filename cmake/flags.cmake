# Compiler and linker flags of our own code, as the interface target bluegreen_flags.
include(CheckCCompilerFlag)

add_library(bluegreen_flags INTERFACE)
target_include_directories(bluegreen_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(bluegreen_flags INTERFACE _GNU_SOURCE BLUEGREEN_VERSION="${PROJECT_VERSION}")
target_compile_options(bluegreen_flags INTERFACE
    -Wall -Wextra -Wshadow -Wformat=2 -Wconversion -Wno-sign-conversion -Wcast-qual -Wwrite-strings -Wvla
    -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes -Werror
    -fno-strict-aliasing -fno-strict-overflow -fno-delete-null-pointer-checks)

# What only some compilers or targets know.
foreach(flag -fstrict-flex-arrays=3 -ftrivial-auto-var-init=zero -fstack-clash-protection -fstack-protector-strong
             -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "HAVE_FLAG${flag}" known)
    check_c_compiler_flag("-Werror ${flag}" ${known})
    if(${known})
        list(APPEND hardening ${flag})
    endif()
endforeach()
target_compile_options(bluegreen_flags INTERFACE ${hardening})

if(BLUEGREEN_SANITIZE)
    set(sanitize -fsanitize=${BLUEGREEN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(bluegreen_flags INTERFACE ${sanitize})
    target_link_options(bluegreen_flags INTERFACE ${sanitize})
endif()

if(BLUEGREEN_FUZZ)
    target_compile_options(bluegreen_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(BLUEGREEN_STATIC)
    # The same bytes whatever the folder: no build id, no build path.
    target_compile_options(bluegreen_flags INTERFACE
        -fPIE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
        -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=.)
    target_link_options(bluegreen_flags INTERFACE
        -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code
        -Wl,-z,pack-relative-relocs -Wl,--fatal-warnings)
endif()
