output "settings" {
  description = "The API's settings, as lines of NAME=VALUE."
  value       = local.lines
}

output "region" {
  description = "Where it is."
  value       = local.region
}

output "project" {
  description = "The tag of its machines."
  value       = var.project
}

output "bucket" {
  description = "Where photos and results lie."
  value       = aws_s3_bucket.blobs.bucket
}

output "dead_letters" {
  description = "The queue of messages that nobody could work on."
  value       = aws_sqs_queue.dead.url
}

output "api_role" {
  description = "The role that the API runs as; the host has it, elsewhere take it with AWS_PROFILE."
  value       = aws_iam_role.api.arn
}

output "worker_role" {
  description = "The role of every worker's machine."
  value       = aws_iam_role.worker.arn
}

output "operator_policy" {
  description = "What people need for doctor, machines and jobs."
  value       = aws_iam_policy.operator.arn
}

output "api_address" {
  description = "The host's address, for the name's A record; null without a host."
  value       = one(aws_eip.host[*].public_ip)
}

output "api_url" {
  description = "Where the service will be; null without a host."
  value       = var.api_host ? "https://${var.api_domain}" : null
}
