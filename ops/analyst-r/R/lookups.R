#' What filters and tables may name.
pharos_fields <- function(connection) {
  .frame(.ask(connection, paste0(.audience, ".AudienceService"), "ListFields")$fields, c("name", "type", "description"))
}

#' Places that are loaded, by code; of one region (its code) if asked.
pharos_areas <- function(connection, region = NULL) {
  frame <- .frame(.pages(connection, paste0(.audience, ".ReferenceService"), "ListAreas", "areas", region = region),
                  c("code", "displayName", "upperTier", "upperTierName", "region", "regionName", "deprivationDecile"))
  frame$deprivation_decile <- as.integer(frame$deprivation_decile)
  frame
}

#' Saved audiences.
pharos_audiences <- function(connection) {
  .frame(.pages(connection, paste0(.audience, ".AudienceService"), "ListAudiences", "audiences"),
         c("name", "displayName", "filter", "version"))
}

#' What messages may be for.
pharos_purposes <- function(connection) {
  .frame(.pages(connection, paste0(.customer, ".PurposeService"), "ListPurposes", "purposes"),
         c("name", "displayName", "description", "controller"))
}

#' What was asked and by whom, newest first, for those who may read it.
pharos_queries <- function(connection, principal = NULL, most = 100) {
  found <- .pages(connection, paste0(.audience, ".QueryService"), "ListQueries", "queries",
                  principal = .named(principal, "principals"), most = most)
  frame <- .frame(found, c("name", "principal", "method", "purpose", "filter", "askTimeUs", "ruleSet", "refusal"))
  frame$method <- sub(".*/", "", frame$method)
  frame$ask_time <- as.POSIXct(as.numeric(frame$ask_time_us) / 1e6, origin = "1970-01-01", tz = "UTC")
  frame$ask_time_us <- NULL
  frame
}
