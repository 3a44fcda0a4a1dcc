# Runs protoc with the plugin on one file. EXPECT empty: it must succeed and write both files; else it must fail with that message.
file(REMOVE_RECURSE "${OUT}")
file(MAKE_DIRECTORY "${OUT}")
execute_process(
  COMMAND "${PROTOC}" -I "${PROTO}" -I "${FOLDER}" "--plugin=protoc-gen-serve=${PLUGIN}" "--serve_out=${OUT}" "${FILE}"
  RESULT_VARIABLE result ERROR_VARIABLE message)
string(REPLACE ".proto" "" stem "${FILE}")
if(EXPECT STREQUAL "")
  if(NOT result EQUAL 0 OR NOT EXISTS "${OUT}/${stem}.serve.h" OR NOT EXISTS "${OUT}/${stem}.serve.cc")
    message(FATAL_ERROR "expected success, got ${result}: ${message}")
  endif()
elseif(result EQUAL 0 OR NOT message MATCHES "${EXPECT}" OR NOT message MATCHES "${FILE}")
  message(FATAL_ERROR "expected a failure that says \"${EXPECT}\" and names ${FILE}, got ${result}: ${message}")
endif()
