# What `cmake --install build/release` puts in place: the program, and for other CMake projects the
# libraries deepthin::spec and deepthin::costmodel (with deepthin::json_io and deepthin::soc_presets,
# which read the files and the names that these take):
#   find_package(deepthin 0.1 REQUIRED)
#   target_link_libraries(app PRIVATE deepthin::costmodel)
# The other libraries are not public.

include(CMakePackageConfigHelpers)

set(DEEPTHIN_PUBLIC_LIBRARIES spec json_io costmodel soc_presets)

foreach(name ${DEEPTHIN_PUBLIC_LIBRARIES})
  if(TARGET deepthin_${name})
    list(APPEND public_targets deepthin_${name})
  endif()
endforeach()
install(TARGETS ${public_targets} EXPORT deepthinTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT deepthinTargets NAMESPACE deepthin::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/deepthin)
install(DIRECTORY spec costmodel DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/deepthin
        FILES_MATCHING PATTERN "*.h" PATTERN "presets" EXCLUDE)

configure_package_config_file(cmake/deepthinConfig.cmake.in deepthinConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/deepthin)
write_basic_package_version_file(deepthinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/deepthinConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/deepthinConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/deepthin)

if(TARGET deepthin)
  install(TARGETS deepthin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
