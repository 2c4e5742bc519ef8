# cmake -DBUILD=<our build> -DSOURCE=<this folder> -DWORK=<scratch> -P consumer_test.cmake
# Installs our build, builds the consumer against what was installed, and runs it.
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G Ninja
                        -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=${WORK}/prefix
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/build/consumer mobilellm-125m:tie_embeddings=false iphone-13
                OUTPUT_VARIABLE count OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT count STREQUAL "143067456 estimated")  # 124,635,456 and a head of 32,000 x 576
  message(FATAL_ERROR "the consumer printed '${count}'")
endif()
execute_process(COMMAND ${WORK}/prefix/bin/deepthin --version
                OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY)
if(NOT version MATCHES "deepthin")
  message(FATAL_ERROR "the installed program said '${version}'")
endif()
