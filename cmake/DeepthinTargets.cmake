# The one place that says how our targets are built. The DEPS lines of deepthin_library are the architecture.

include(DeepthinEmbed)

add_library(deepthin_flags INTERFACE)
target_compile_options(deepthin_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
  # GCC 12 sees overlapping copies in std::string's operator+ where there are none (GCC bug 105329).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${DEEPTHIN_WERROR}>:-Werror>)
# Highway needs a baseline with SSE4; what the CPU has beyond it is chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(deepthin_flags INTERFACE -march=x86-64-v2)
endif()
if(DEEPTHIN_SANITIZE)
  target_compile_options(deepthin_flags INTERFACE
    -fsanitize=${DEEPTHIN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(deepthin_flags INTERFACE -fsanitize=${DEEPTHIN_SANITIZE})
endif()

# deepthin_library(NAME HDRS ... SRCS ... DEPS ... [PRIVATE_DEPS ...])
# Makes deepthin_NAME with the alias deepthin::NAME. Includes are written from the root ("spec/units.h").
function(deepthin_library NAME)
  cmake_parse_arguments(ARG "" "" "HDRS;SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target deepthin_${NAME})
  if(ARG_SRCS)
    add_library(${target} STATIC ${ARG_SRCS} ${ARG_HDRS})
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/deepthin>)
    target_link_libraries(${target} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS} $<BUILD_INTERFACE:deepthin_flags>)
    target_compile_features(${target} PUBLIC cxx_std_20)
  else()
    add_library(${target} INTERFACE ${ARG_HDRS})
    target_include_directories(${target} INTERFACE
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/deepthin>)
    target_link_libraries(${target} INTERFACE ${ARG_DEPS})
    target_compile_features(${target} INTERFACE cxx_std_20)
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${NAME})
  add_library(deepthin::${NAME} ALIAS ${target})
endfunction()

# deepthin_test(NAME SRCS ... DEPS ... [LABELS slow] [EVERY_INSTRUCTION_SET])
# One GoogleTest program, each of its tests known to ctest. The label "slow" keeps it out of the fast suite.
# EVERY_INSTRUCTION_SET: the whole program also under AVX2 and scalar code, as one slow test each.
# Property tests draw from a fixed seed under ctest, and from a fresh one where the program is run by hand.
function(deepthin_test NAME)
  cmake_parse_arguments(ARG "EVERY_INSTRUCTION_SET" "" "SRCS;DEPS;LABELS" ${ARGN})
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} deepthin_flags GTest::gmock GTest::gtest_main)
  target_compile_definitions(${NAME} PRIVATE DEEPTHIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # What is tested is optimised, the tests themselves are compiled fast.
  target_compile_options(${NAME} PRIVATE $<$<CONFIG:Release>:-O1>)
  include(GoogleTest)
  set(properties TIMEOUT 600 ENVIRONMENT "RC_PARAMS=seed=240214905")
  if(ARG_LABELS)  # an empty value would vanish, and the next word be taken for it
    list(APPEND properties LABELS ${ARG_LABELS})
  endif()
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
  if(ARG_EVERY_INSTRUCTION_SET)
    foreach(target SCALAR AVX2)
      add_test(NAME ForcedTo${target}.${NAME} COMMAND ${NAME})
      set_tests_properties(ForcedTo${target}.${NAME} PROPERTIES LABELS slow TIMEOUT 600
        ENVIRONMENT "RC_PARAMS=seed=240214905;DEEPTHIN_FORCE_TARGET=${target}"
        SKIP_REGULAR_EXPRESSION "DEEPTHIN_FORCE_TARGET: is '${target}'")  # this CPU has no such set
    endforeach()
  endif()
endfunction()
