# Run at build time (cmake -P): writes OUTPUT from INPUT with the commit of SOURCE_DIR as it is now.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --abbrev=10 --dirty=+ --exclude=*
                OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT COMMIT)
  set(COMMIT unknown)
endif()
configure_file(${INPUT} ${OUTPUT} @ONLY)
