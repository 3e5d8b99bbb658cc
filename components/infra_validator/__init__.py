"""InfraValidator: a real server loads the candidate and answers, or it is not blessed."""
