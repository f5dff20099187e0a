terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # `make deploy` keeps the state in var/terraform. For a team: README.md, "State in S3".
  backend "local" {}
}

provider "aws" {
  region = var.region

  # Not `firstlight-project`: what carries that tag is a worker's machine, and the reaper ends it.
  default_tags {
    tags = { Project = var.project }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
}
