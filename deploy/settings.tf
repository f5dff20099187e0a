# The service's settings, once: a worker gets them as its machine's user data, the API from a file.

locals {
  origins = distinct(concat(var.allowed_origins, local.host_origins))
  bridge  = lookup(var.settings, "BRIDGE", "0") == "1"

  settings = merge({
    AWS_DEFAULT_REGION = local.region
    BLOBS              = "s3://${aws_s3_bucket.blobs.bucket}"
    QUEUE              = aws_sqs_queue.jobs.url
    TABLE              = "dynamodb://${aws_dynamodb_table.rows.name}"
    # By name: a template whose user data held its own id could not be made.
    FLEET           = "ec2:${join("/", [for each in ["gpu", "cpu"] : "${var.project}-${each}" if contains(var.flavours, each)])}"
    FLAVOURS        = join(",", var.flavours)
    SUBNETS         = join(",", local.subnets)
    PROJECT         = var.project
    MAX_MACHINES    = var.max_machines
    DOLLAR_BUDGET   = var.dollar_budget
    KEEP_S          = var.keep_s
    JOB_DEADLINE_S  = var.job_deadline_s
    LEASE_S         = var.lease_s
    IDLE_S          = 90
    IDLE_LEAST_S    = 25
    IDLE_MOST_S     = 600
    WARM_BUDGET     = 20
    UPLOAD_LIMIT    = 30
    ALLOWED_ORIGINS = join(",", local.origins)
  }, var.settings)

  lines = join("", [for name, value in local.settings : "${name}=${value}\n"])
}
