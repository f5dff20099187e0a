# Where machines live: subnets of the operator's, or a small network of our own. Nothing in it costs anything idle.

locals {
  own     = length(var.subnets) == 0
  zones   = local.own ? data.aws_availability_zones.usable[0].names : []
  vpc     = local.own ? aws_vpc.own[0].id : data.aws_subnet.given[0].vpc_id
  subnets = local.own ? aws_subnet.own[*].id : var.subnets
}

data "aws_availability_zones" "usable" {
  count = local.own ? 1 : 0
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

data "aws_subnet" "given" {
  count = length(var.subnets)
  id    = var.subnets[count.index]
}

resource "aws_vpc" "own" {
  count                = local.own ? 1 : 0
  cidr_block           = var.network
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.project }
}

resource "aws_internet_gateway" "own" {
  count  = local.own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = { Name = var.project }
}

# Public addresses, because SQS and EC2 are reached through the internet; a NAT gateway would cost $32 a month.
resource "aws_subnet" "own" {
  count                   = length(local.zones)
  vpc_id                  = aws_vpc.own[0].id
  availability_zone       = local.zones[count.index]
  cidr_block              = cidrsubnet(var.network, 4, count.index)
  map_public_ip_on_launch = true
  tags                    = { Name = "${var.project}-${local.zones[count.index]}", firstlight-project = var.project }
}

resource "aws_route_table" "own" {
  count  = local.own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = { Name = var.project }

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.own[0].id
  }
}

resource "aws_route_table_association" "own" {
  count          = length(local.zones)
  route_table_id = aws_route_table.own[0].id
  subnet_id      = aws_subnet.own[count.index].id
}

# Free, and photos and rows do not leave Amazon's network.
resource "aws_vpc_endpoint" "own" {
  for_each          = local.own ? toset(["s3", "dynamodb"]) : []
  vpc_id            = aws_vpc.own[0].id
  service_name      = "com.amazonaws.${local.region}.${each.value}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.own[0].id]
  tags              = { Name = "${var.project}-${each.value}" }
}

# Nobody can reach a machine. It reaches AWS by TLS; names and time come from the link-local resolver and clock, which
# no security group stands before.
resource "aws_security_group" "worker" {
  name        = "${var.project}-worker"
  description = "Workers: nothing in, TLS out"
  vpc_id      = local.vpc
  tags        = { Name = "${var.project}-worker" }

  # EC2 would refuse each launch into the other networks, one by one and much later.
  lifecycle {
    precondition {
      condition     = length(distinct(data.aws_subnet.given[*].vpc_id)) <= 1
      error_message = "The subnets are of more than one VPC (${join(", ", [for each in data.aws_subnet.given : "${each.id} of ${each.vpc_id}"])}), and a security group guards machines in one alone: name subnets of one VPC."
    }
  }
}

resource "aws_vpc_security_group_egress_rule" "worker" {
  security_group_id = aws_security_group.worker.id
  description       = "S3, SQS, DynamoDB"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
