# The API's own host, on demand: one small machine, TLS by Caddy, entered by Session Manager and not by ssh.

locals {
  host_origins = var.api_host ? ["https://${var.api_domain}"] : [] # its page sends photos into the bucket
  host         = var.api_host ? 1 : 0
  host_type    = var.api_type != "" ? var.api_type : local.bridge ? "t3.small" : "t3.micro"
  host_arm     = can(regex("^[a-z]+[0-9]+g[a-z]*\\.", local.host_type))
}

data "aws_ssm_parameter" "host_image" {
  count = var.api_host && var.api_ami == "" ? 1 : 0
  name  = "/aws/service/debian/release/12/latest/${local.host_arm ? "arm64" : "amd64"}"
}

# What Session Manager needs, and no more: AmazonSSMManagedInstanceCore also reads every parameter of the account.
data "aws_iam_policy_document" "host_shell" {
  statement {
    actions = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "host_shell" {
  count  = local.host
  name   = "session-manager"
  role   = aws_iam_role.api.id
  policy = data.aws_iam_policy_document.host_shell.json
}

resource "aws_iam_instance_profile" "host" {
  count = local.host
  name  = aws_iam_role.api.name
  role  = aws_iam_role.api.name
}

resource "aws_security_group" "host" {
  count       = local.host
  name        = "${var.project}-api"
  description = "The API's host: HTTP and TLS in"
  vpc_id      = local.vpc
  tags        = { Name = "${var.project}-api" }
}

# 80 only for certificates and for sending browsers to 443.
resource "aws_vpc_security_group_ingress_rule" "host" {
  for_each          = toset(var.api_host ? ["80", "443"] : [])
  security_group_id = aws_security_group.host[0].id
  description       = "Browsers"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "host" {
  for_each          = toset(var.api_host ? ["80", "443"] : [])
  security_group_id = aws_security_group.host[0].id
  description       = "AWS, the registry, certificates"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  cidr_ipv4         = "0.0.0.0/0"
}

# The address belongs to an interface that is there before the host and stays when the host is replaced. Given to a
# host that runs, it would take the place of another one while the first boot downloads.
resource "aws_network_interface" "host" {
  count           = local.host
  subnet_id       = local.subnets[0]
  security_groups = [aws_security_group.host[0].id]
  tags            = { Name = "${var.project}-api" }
}

resource "aws_eip" "host" {
  count             = local.host
  domain            = "vpc"
  network_interface = aws_network_interface.host[0].id
  tags              = { Name = "${var.project}-api" }
  depends_on        = [aws_internet_gateway.own]
}

resource "aws_instance" "host" {
  count                       = local.host
  ami                         = coalesce(var.api_ami, one(data.aws_ssm_parameter.host_image[*].insecure_value))
  instance_type               = local.host_type
  iam_instance_profile        = aws_iam_instance_profile.host[0].name
  user_data_replace_on_change = true
  depends_on                  = [aws_eip.host, aws_route_table_association.own]

  network_interface {
    network_interface_id = aws_network_interface.host[0].id
    device_index         = 0
  }

  user_data = templatefile("${path.module}/host.sh.tftpl", {
    settings = local.lines
    domain   = var.api_domain
    image    = var.api_image
    source   = var.api_source
    region   = local.region
  })

  # One hop: the API shares the host's network.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 16
    encrypted   = true
  }

  tags        = { Name = "${var.project}-api" }
  volume_tags = { Project = var.project }

  lifecycle {
    ignore_changes = [ami] # a newer Debian must not replace a running host on the next apply

    precondition {
      condition     = var.api_domain != ""
      error_message = "api_host needs api_domain, the name that browsers will use: without a name there is no certificate."
    }

    precondition {
      condition     = (var.api_image == "") != (var.api_source == "")
      error_message = "api_host needs api_image (a container image) or api_source (a Git repository), one of them."
    }

    precondition {
      condition     = !local.bridge || !can(regex("\\.(nano|micro)$", local.host_type))
      error_message = "BRIDGE=1 needs 800 MB of free memory beside the API: choose an api_type of 2 GiB, or leave it empty."
    }
  }
}

resource "aws_route53_record" "host" {
  count   = var.api_host && var.api_zone != "" ? 1 : 0
  zone_id = var.api_zone
  name    = var.api_domain
  type    = "A"
  ttl     = 300
  records = [aws_eip.host[0].public_ip]
}
